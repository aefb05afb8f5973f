"""One candidate on one device: measured beside the sentinel, then judged."""
