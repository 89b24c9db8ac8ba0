"""What was recorded, and can it be shown to be unchanged?"""
