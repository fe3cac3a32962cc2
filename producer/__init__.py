"""The way in and the way back: the HTTP gateway, the publisher, the job view, and the commands that talk to them."""
