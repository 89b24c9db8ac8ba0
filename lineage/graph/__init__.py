"""What feeds this, what does it feed, and which paths lie between?"""
