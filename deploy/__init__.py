"""How the system runs: on one machine, in containers, and from the command line."""
