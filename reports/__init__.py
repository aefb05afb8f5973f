"""What is learnt: tables, fronts, the recommended configuration, and one page that says it all.

`facts` gathers a run directory into `StudyFacts`; `table` and `choice` draw conclusions from
it; `terminal`, `markdown` and `page` only show them; `compile` writes the files.
"""
