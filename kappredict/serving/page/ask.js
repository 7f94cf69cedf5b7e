// The way to the service: our own origin only; the key lives in this module and nowhere else.

let key = "";

export const useKey = (given) => {
  key = given;
};

export async function ask(path, body) {
  const headers = key ? { authorization: `Bearer ${key}` } : {};
  const options =
    body === undefined
      ? { headers }
      : {
          method: "POST",
          headers: { ...headers, "content-type": "application/json" },
          body: JSON.stringify(body),
        };
  const answer = await fetch(path, options);
  const content = await answer.json();
  if (answer.ok) return content;
  throw Object.assign(new Error(content.detail), { problem: content, status: answer.status });
}
