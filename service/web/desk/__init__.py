"""The moderators' desk over HTTP: its pages, what their buttons do, and who is signed in there."""
