"""The local stack: MiniStack, an AWS emulator in one process, with template.yaml built and deployed to it.

Nothing is mocked by hand: the routes, policies, stream filters, queues and retries that run here are the
template's. `make run` starts it for people, the end-to-end tests start one of their own.
"""
