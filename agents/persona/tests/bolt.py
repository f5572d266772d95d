"""Slack's own client (slack_bolt) as the peer of our fake of Slack: what it can work with is right."""
import sys
import threading

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

base, app_token, bot_token = sys.argv[1:4]
web = WebClient(token=bot_token, base_url=base)
app = App(client=web)
done = threading.Event()


@app.event("app_mention")
def mention(event, say):
    if "stop" in event["text"]:
        done.set()
    say(text=f"heard {event['text']}", thread_ts=event["ts"])


@app.command("/p7")
def command(ack, respond, body):
    ack()
    respond(text=f"command {body['text']}")


@app.action("p7_ack")
def pressed(ack, body, action):
    ack()
    web.chat_postMessage(channel=body["channel"]["id"], text=f"pressed {action['value']}")


handler = SocketModeHandler(app, app_token, web_client=WebClient(base_url=base))
handler.connect()
done.wait(60)
handler.close()
