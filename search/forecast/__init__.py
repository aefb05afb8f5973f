"""How long a search will take: what is left to do, at which rates, told before it and in it."""
