"""The roll as the gateway shows it: property records followed from their topic into a table of the gateway's own."""
