"""Gatepost: comment moderation for blogs that already have their own users. `docs/house.md` draws the rooms."""
