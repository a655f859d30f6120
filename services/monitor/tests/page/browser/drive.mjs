// Drives a real browser as the tests say: a JSON object in a line is an order, and a line answers it.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const tools = createRequire(`${process.env.BROWSER_TOOLS}/package.json`);
const { chromium } = tools('playwright-core');
const AXE = readFileSync(tools.resolve('axe-core/axe.min.js'), 'utf8');

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox'] });
const context = await browser.newContext();
const page = await context.newPage();
const session = await context.newCDPSession(page);
const complaints = [];
page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
page.on('pageerror', (error) => complaints.push(String(error.stack)));

/** Asks the page past its own policy, which rightly forbids what a test needs. */
async function evaluate(expression) {
  const { result, exceptionDetails } = await session.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
}

async function until(expression) {
  const end = Date.now() + 60_000;
  let value;
  while (Date.now() < end) {
    value = await evaluate(expression);
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited in vain for ${expression}; it is ${JSON.stringify(value)}. The page:\n${await evaluate('document.body.innerText')}`);
}

async function axe() {
  await evaluate(AXE);
  const violations = await evaluate('axe.run().then((results) => results.violations)');
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join('; ')}`);
}

const orders = {
  open: ({ url }) => page.goto(url).then(() => null),
  look: async ({ width, height, scheme, motion }) => {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: motion });
    return null;
  },
  evaluate: ({ expression }) => evaluate(expression),
  until: ({ expression }) => until(expression),
  press: ({ key }) => page.keyboard.press(key).then(() => null),
  shoot: ({ path, fullPage = true }) => page.screenshot({ path, fullPage }).then(() => null),
  axe: () => axe(),
  complaints: () => complaints.splice(0),
};

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await orders[order.order](order)) ?? null };
  } catch (error) {
    answer = { error: String(error.message) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
