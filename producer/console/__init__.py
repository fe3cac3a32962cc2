"""The web console: server-rendered pages over the same collaborators as the interface, with a little script on top."""
