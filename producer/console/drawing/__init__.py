"""Geometry of the console's charts: numbers to coordinates; templates write the SVG, so that text is escaped."""
