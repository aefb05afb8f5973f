"""Two ways from a network to a `.pte`.

`standard` traces the network and lets ExecuTorch's partitioner choose what XNNPACK computes: it
takes any graph, and judges the other. `direct` writes MobileSR's XNNPACK graph itself and puts it
into the file as its only delegate: quicker to make, faster to run, in less memory.
"""
