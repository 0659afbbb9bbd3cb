"""The pages: server-rendered, one stylesheet, ES modules without a build step, no request to any other host."""
