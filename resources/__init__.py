"""What comes with the program and is no code of it: templates, pictures, licence texts, and the sample company."""
