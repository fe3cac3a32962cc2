"""Who may do what over HTTP: API keys, their rates, and what answers tell browsers."""
