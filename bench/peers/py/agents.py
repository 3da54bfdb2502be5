"""Agents of Strands."""
import os

import common


def add_tool():
    from strands import tool

    @tool
    def add(a: int, b: int) -> int:
        """Add two integers.

        Args:
            a: first operand
            b: second operand
        """
        common.CALLS.called()
        return a + b

    return add


def idle_tools():
    from strands import tool

    def make(name):
        def function(a: int, b: int) -> int:
            """Add two integers.

            Args:
                a: first operand
                b: second operand
            """
            return a + b

        function.__name__ = name
        return tool(function)

    return [make(f"tool{at}") for at in range(5)]


class Agents:
    """Makes agents as a program does; with `STRANDS_CLIENT=shared`, with one client for all calls of all agents."""

    def __init__(self):
        self.tool = add_tool()
        self.client = None

    def model(self):
        from strands.models.openai import OpenAIModel

        arguments = {"base_url": common.SERVER, "api_key": common.KEY, "max_retries": 0}
        if os.environ.get("STRANDS_CLIENT") != "shared":
            return OpenAIModel(client_args=arguments, model_id="bench")
        if self.client is None:
            import openai

            self.client = openai.AsyncOpenAI(**arguments)
        return OpenAIModel(client=self.client, model_id="bench")

    def agent(self, model=None, tools=None, messages=None):
        from strands import Agent

        return Agent(
            model=model or self.model(), tools=tools or [self.tool], messages=messages, callback_handler=None,
            system_prompt=common.SYSTEM_PROMPT,
        )
