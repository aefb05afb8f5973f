"""MobileSR as an XNNPACK graph written by ourselves, on strips of the picture."""
