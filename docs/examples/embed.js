// The application's own server knows who is signed in and signs a JWT for that person. Belfry's elements ask for it
// once, and once more when it was refused.
async function getToken() {
  const response = await fetch('/belfry-token', { method: 'POST' });
  if (!response.ok) throw new Error(`no token: ${response.status}`);
  return response.text();
}

for (const element of document.querySelectorAll('belfry-bell, belfry-feed, belfry-tile')) {
  element.getToken = getToken;
  element.addEventListener('belfry-auth', () => location.assign('/login'));
}
