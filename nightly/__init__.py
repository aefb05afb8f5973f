"""The nightly: a suite of models measured every night, and a call only when one got worse.

suite.py        what is measured: models x devices x conditions, floors, alpha
artifacts.py    the suite's models as artifacts
measuring.py    one night on one device
history/        what earlier nights found: tables, lock, reading and writing
judging.py      tonight against the past: pure
night.py        the order of a night, from the suite to its verdicts
outputs/        JUnit XML, Markdown, HTML, JSON
cli.py          `mobilesr-tune nightly`
"""
