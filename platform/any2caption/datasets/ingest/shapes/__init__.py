"""Plain folders as they are published, by what their files hold."""
