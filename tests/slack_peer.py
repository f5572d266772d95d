"""Slack's own SDK looks at what is ours.

slack_peer.py models          reads a JSON list of blocks on standard input with the SDK's models
slack_peer.py client URL TOKEN CHANNEL   calls the Slack of our tests as its client and holds it to Slack's rules
"""
import json
import sys

from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import Block
from slack_sdk.web import WebClient


def models():
    given = json.load(sys.stdin)
    blocks = Block.parse_all(given)
    assert len(blocks) == len(given), f"{len(given)} blocks were given, {len(blocks)} are known"
    for block, own in zip(blocks, given):
        block.validate_json()
        assert block.to_dict() == own, f"read as {block.to_dict()}, given as {own}"
    print(len(blocks), "blocks")


def refused(error, call):
    try:
        call()
    except SlackApiError as refusal:
        assert refusal.response["error"] == error, refusal
        return
    raise AssertionError(f"{error} was expected, and it was taken")


def client(url, token, channel):
    slack = WebClient(token=token, base_url=url)
    metadata = {"event_type": "p7_message", "event_payload": {"key": "p7-1"}}
    first = slack.chat_postMessage(channel=channel, text="It fails", metadata=metadata)
    reply = slack.chat_postMessage(channel=channel, text="well", thread_ts=first["ts"], reply_broadcast=True)
    slack.chat_postMessage(channel=channel, text="still", thread_ts=first["ts"])
    slack.chat_update(channel=channel, ts=first["ts"], text="It is well")
    history = slack.conversations_history(channel=channel, include_all_metadata=True, limit=10)["messages"]
    assert [one["ts"] for one in history] == [reply["ts"], first["ts"]], history
    assert history[1]["text"] == "It is well" and history[1]["metadata"] == metadata, history
    plain = slack.conversations_history(channel=channel)["messages"]
    assert all("metadata" not in one for one in plain), plain

    def post(text):
        section = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
        return slack.chat_postMessage(channel=channel, text="x", blocks=[section])

    post("x" * 3000)
    refused("invalid_blocks", lambda: post("x" * 3001))
    refused("channel_not_found", lambda: slack.chat_postMessage(channel="C0000000000", text="x"))
    refused("message_not_found", lambda: slack.chat_update(channel=channel, ts="1.1", text="x"))
    refused("no_text", lambda: slack.chat_postMessage(channel=channel, text=""))
    refused("invalid_auth", lambda: WebClient(token="xoxb-wrong", base_url=url).chat_postMessage(channel=channel, text="x"))
    print("as Slack")


{"models": models, "client": client}[sys.argv[1]](*sys.argv[2:])
