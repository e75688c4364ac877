"""WHO MUST LOOK: tells people, by mail or chat, that comments wait for a moderator. The library Apprise delivers it."""
