"""The running system seen from outside: commands, HTTP, topics and metrics alone, as its contract has them."""
