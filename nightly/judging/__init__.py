"""Whether tonight is worse than the nights before: pure functions over readings."""
