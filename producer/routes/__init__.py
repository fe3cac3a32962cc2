"""The operations of the gateway, one file for each part of the contract, and the table that lists them all."""
