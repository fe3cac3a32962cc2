"""The job store of several gateways: one PostgreSQL database, written by whichever gateway reads an event first."""
