"""Dead letters as a tool: look at them, publish them again once and only once, and remove them."""
