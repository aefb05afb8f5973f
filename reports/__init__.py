"""What is learnt: tables, fronts, the recommended configuration, and one page that says it all.

`facts` gathers a run directory into `StudyFacts`; `sections` cuts the studies into one section a
device profile, which nothing mixes; `report` holds them together. `choice`, `effects`, `growth`,
`agreement`, `pictures` and `left_out` draw conclusions; `table` and `document` keep them for
machines; `charts`, `page`, `markdown` and `terminal` only show them; `compile` writes the files.
"""
