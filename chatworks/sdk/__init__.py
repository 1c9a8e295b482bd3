"""What an applet's author imports. Pure: nothing here does I/O, reads a clock or draws a number.

``Applet`` declares commands, ``Chat`` is what each is given, inputs say what an answer may be, and
messages are what is shown. ``docs/tutorial/first-applet.md`` writes one in ten minutes.
"""

from msgspec import Meta as Meta

from chatworks.kit.errors import Refusal as Refusal
from chatworks.kit.money import Money as Money
from chatworks.sdk.applet import Applet as Applet
from chatworks.sdk.applet import Config as Config
from chatworks.sdk.chat import BOT_BUTTON as BOT_BUTTON
from chatworks.sdk.chat import Chat as Chat
from chatworks.sdk.chat import TimedOut as TimedOut
from chatworks.sdk.commerce import Cart as Cart
from chatworks.sdk.commerce import Invoice as Invoice
from chatworks.sdk.commerce import Item as Item
from chatworks.sdk.commerce import OrderSheet as OrderSheet
from chatworks.sdk.commerce import Product as Product
from chatworks.sdk.commerce import Receipt as Receipt
from chatworks.sdk.inbound import File as File
from chatworks.sdk.inbound import Inbound as Inbound
from chatworks.sdk.inbound import InboundKind as InboundKind
from chatworks.sdk.inputs import Input as Input
from chatworks.sdk.inputs import NotUnderstood as NotUnderstood
from chatworks.sdk.inputs import file as file
from chatworks.sdk.inputs import location as location
from chatworks.sdk.inputs import phone as phone
from chatworks.sdk.inputs import text as text
from chatworks.sdk.messages import Button as Button
from chatworks.sdk.messages import Card as Card
from chatworks.sdk.messages import ContactCard as ContactCard
from chatworks.sdk.messages import Line as Line
from chatworks.sdk.messages import Link as Link
from chatworks.sdk.messages import Media as Media
from chatworks.sdk.messages import MediaKind as MediaKind
from chatworks.sdk.messages import Message as Message
from chatworks.sdk.messages import Place as Place
from chatworks.sdk.messages import Wanted as Wanted
from chatworks.sdk.quantities import day as day
from chatworks.sdk.quantities import money as money
from chatworks.sdk.quantities import whole_number as whole_number
