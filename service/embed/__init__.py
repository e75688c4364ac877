"""The reader's embed: what a blog's page loads to show comments. `source/` is its JavaScript, its style and its words.

There is no build step. `joining` makes one script of the modules when the service starts, `bundle` holds that with its
addresses, hashes and codings. `web` serves it, `gatepost embed` prints its tag and writes an own copy.
"""
