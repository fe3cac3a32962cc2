"""The OpenAPI 3.1 document, made from the table of operations and the models, so that it cannot drift from the code."""
