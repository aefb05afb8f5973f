"""One launch of a runner: the protocol, what it reports, how it may end."""
