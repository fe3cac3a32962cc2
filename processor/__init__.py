"""The work: takes requests off the topic, values properties, writes exactly one result for each request."""
