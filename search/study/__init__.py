"""What a search leaves behind, and all that a report may read of it."""
