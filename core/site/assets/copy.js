// SPDX-License-Identifier: Apache-2.0
// A button that copies what an element says, where the browser lets it.
export function copying(button) {
  button.hidden = !navigator.clipboard;
  button.addEventListener('click', async () => {
    const from = document.getElementById(button.dataset.copy);
    await navigator.clipboard.writeText(from.value ?? from.textContent);
    button.textContent = button.dataset.copied;
  });
}
