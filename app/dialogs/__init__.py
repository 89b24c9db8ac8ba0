"""Which questions does the window put to the person? Few dialogs, no logic."""
