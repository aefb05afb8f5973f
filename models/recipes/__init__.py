"""How the shipped supernet was made: its photographs and its plan."""
