"""The moderators' desk as HTML: its templates, words, style and script. `web` hands it nouns, and sends what it makes.

It asks no store and knows no request.
"""
