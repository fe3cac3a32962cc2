"""The serving engine: arrays in, explained values out. Imports no transport."""
