"""Brings a county's files onto the compacted topics: from validated records to acknowledged ones."""
