"""The job store: what the gateway answers from, filled from the topics and rebuilt from them when lost."""
