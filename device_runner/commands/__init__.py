"""What `devices`, `bench` and `runner` do at the terminal."""
