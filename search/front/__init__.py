"""Who is on the front, how sure that is, and where more sessions would settle it."""
