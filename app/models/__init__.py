"""How do answers of the workspace become rows that Qt can show?"""
