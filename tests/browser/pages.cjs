// Looks at a running node's pages in Chromium.
// Usage: node pages.cjs SCENE NODE-URL SCREENS-FOLDER SITE-URL; NODE_PATH has playwright-core, CHROMIUM the browser.
'use strict';
const assert = require('node:assert/strict');
const path = require('node:path');
const { chromium } = require('playwright-core');

const [scene, base, screens] = process.argv.slice(2);
const PAGES = ['/', '/services/ill', '/services/well', '/mesh', '/p7.html', '/p7adv.html'];
const CARD = 'article[id^="s-"]';
const WAIT_MS = 20_000;

/** A page that notes every console error, every failed or foreign request and every exception. */
async function open(browser, options = {}) {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    page.setDefaultTimeout(WAIT_MS);
    page.faults = [];
    page.on('console', (m) => m.type() === 'error' && page.faults.push(`console: ${m.text()}`));
    page.on('pageerror', (e) => page.faults.push(`exception: ${e.message}`));
    page.on('request', (r) => {
        const url = new URL(r.url());
        if (url.protocol !== 'data:' && url.origin !== base) page.faults.push(`foreign request: ${r.url()}`);
    });
    page.on('response', (r) => r.status() >= 400 && page.faults.push(`${r.status()} for ${r.url()}`));
    return page;
}

async function picture(page, name) {
    await page.screenshot({ path: path.join(screens, `${name}.png`), fullPage: true });
}

const sideways = (page) =>
    page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

const scenes = {
    async clean(browser) {
        for (const colorScheme of ['light', 'dark']) {
            const page = await open(browser, { colorScheme, viewport: { width: 1280, height: 800 } });
            for (const url of PAGES) {
                await page.goto(base + url);
                assert.ok(await page.title(), `${url} has no title`);
                assert.equal(await page.locator('h1').count(), 1, `${url} has one heading of the first rank`);
                assert.ok(await page.locator('html[lang]').count(), `${url} says its language`);
                const unnamed = await page.evaluate(() =>
                    [...document.querySelectorAll('img:not([alt]), svg[role=img]:not([aria-label]):not(:has(title)), '
                        + 'input:not([aria-label]):not([id]):not(label input)')].map((e) => e.outerHTML.slice(0, 120)));
                assert.deepEqual(unnamed, [], `${url} has things without a name`);
                if (url === '/services/ill') {
                    const text = await page.locator('main').innerText();
                    for (const word of ['500 Internal Server Error', '0.0 %', 'connect']) {
                        assert.ok(text.includes(word), `${url} lacks ${word}`);
                    }
                    assert.ok(!/no data|no result yet|none known/i.test(text), `${url} knows nothing:\n${text}`);
                }
                await picture(page, `${url.replace(/\W+/g, '-').replace(/^-|-$/g, '') || 'dashboard'}-${colorScheme}`);
            }
            assert.deepEqual(page.faults, []);
        }
    },

    async plain(browser) {
        const page = await open(browser, { javaScriptEnabled: false });
        await page.goto(base);
        assert.equal(await page.locator(CARD).count(), 2);
        for (const text of ['The well', 'The ill', '500', '100']) {
            assert.ok((await page.locator('body').innerText()).includes(text), `${text} is missing`);
        }
        await page.goto(`${base}/services/ill`);
        assert.ok((await page.locator('body').innerText()).includes('500'));
        assert.deepEqual(page.faults, []);
    },

    async phone(browser) {
        const page = await open(browser, { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2 });
        for (const url of PAGES) {
            await page.goto(base + url);
            assert.ok((await sideways(page)) <= 0, `${url} scrolls sideways by ${await sideways(page)} px`);
            await picture(page, `${url.replace(/\W+/g, '-').replace(/^-|-$/g, '') || 'dashboard'}-phone`);
        }
        assert.deepEqual(page.faults, []);
    },

    async filter(browser) {
        const page = await open(browser);
        await page.goto(base);
        const shown = () => page.locator(`${CARD}:visible`).count();
        assert.equal(await shown(), 2);
        const box = page.locator('input[type=search]');
        await box.waitFor();
        let hops = 0;
        while (!(await box.evaluate((e) => e === document.activeElement))) {
            assert.ok(hops++ < 30, 'the filter is not reached with the Tab key');
            await page.keyboard.press('Tab');
        }
        await page.keyboard.type('ill');
        await page.waitForFunction((s) => [...document.querySelectorAll(s)].filter((e) => e.checkVisibility()).length === 1, CARD);
        assert.equal(await page.locator(`${CARD}:visible`).getAttribute('id'), 's-ill');
        for (let i = 0; i < 3; i++) await page.keyboard.press('Backspace');
        await page.waitForFunction((s) => [...document.querySelectorAll(s)].filter((e) => e.checkVisibility()).length === 2, CARD);
        assert.deepEqual(page.faults, []);
    },

    async live(browser) {
        const page = await open(browser);
        await page.goto(base);
        await page.evaluate(() => { window.sameDocument = true; });
        const card = page.locator('#s-well');
        assert.ok(!(await card.innerText()).includes('503'));
        await page.waitForFunction(() => document.querySelector('#s-well').innerText.includes('503'));
        assert.equal(await page.evaluate(() => window.sameDocument), true, 'the page was loaded anew');
        assert.deepEqual(page.faults, []);
    },

    async many(browser) {
        const page = await open(browser, { viewport: { width: 1280, height: 800 } });
        const begun = Date.now();
        await page.goto(base);
        assert.equal(await page.locator(CARD).count(), 1000);
        console.log(`1,000 cards in ${Date.now() - begun} ms`);
        await page.locator('input[type=search]').fill('s0042');
        await page.waitForFunction((s) => [...document.querySelectorAll(s)].filter((e) => e.checkVisibility()).length === 1, CARD);
        await page.locator('input[type=search]').fill('');
        await page.screenshot({ path: path.join(screens, 'many.png') });
        assert.deepEqual(page.faults, []);
    },
};

(async () => {
    // everything is on loopback and ours: as root Chromium's sandbox can't start
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] });
    try {
        await scenes[scene](browser);
    } finally {
        await browser.close();
    }
})().catch((error) => {
    console.error(`${scene}: ${error.message}`);
    process.exit(1);
});
