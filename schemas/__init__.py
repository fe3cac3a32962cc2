"""The language every part of the system speaks: events, records, topics, county ids, problems, settings.

Nothing here imports another package of this project; producers, processors and operators' tools all import from here.
"""
