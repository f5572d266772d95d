// Reads an Adaptive Card as Microsoft's own library does, held to version 1.4. The card is on standard input;
// NODE_PATH has adaptivecards. Prints what it shows, and every complaint of the library.
'use strict';
const AC = require('adaptivecards/dist/adaptivecards.js');

let text = '';
process.stdin.on('data', (piece) => { text += piece; });
process.stdin.on('end', () => {
    const context = new AC.SerializationContext(AC.Versions.v1_4);
    const card = new AC.AdaptiveCard();
    card.parse(JSON.parse(text), context);
    const complaints = [];
    for (let n = 0; n < context.eventCount; n++) complaints.push(context.getEventAt(n).message);
    for (const event of card.validateProperties().validationEvents) complaints.push(event.message);
    const items = [];
    for (let n = 0; n < card.getItemCount(); n++) items.push(card.getItemAt(n).getJsonTypeName());
    const actions = [];
    for (let n = 0; n < card.getActionCount(); n++) actions.push(card.getActionAt(n).title);
    console.log(JSON.stringify({ complaints, items, actions, version: String(card.version) }));
});
