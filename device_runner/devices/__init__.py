"""What runs artifacts: phones over adb, the host, simulated phones, replayed records; and how one
is found, listed, claimed and leased.
"""
