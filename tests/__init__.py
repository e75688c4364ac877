"""The house again, room by room, plus `journeys/` for the whole house."""
