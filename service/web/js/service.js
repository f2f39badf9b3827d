/** Calls the service on which this page lies; knows how its failures read, nothing of what is asked. */

/** The service said no. */
export class ServiceError extends Error {
  /**
   * @param {number} status
   * @param {{detail?: string, title?: string, reason?: string, request_id?: string}} problem RFC 9457
   * @param {number} retryAfterS seconds to wait; 0 where the service named none
   */
  constructor(status, problem, retryAfterS) {
    super(problem.detail || problem.title || `status ${status}`);
    this.status = status;
    this.reason = problem.reason ?? "";
    this.requestId = problem.request_id ?? "";
    this.retryAfterS = retryAfterS;
  }

  /** Whether another try may do; 502 is a proxy's word for a service that is away. */
  get isPassing() {
    return [429, 502, 503].includes(this.status);
  }
}

/** Nobody answered. */
export class AwayError extends Error {
  isPassing = true;
  retryAfterS = 0;
}

/** One service, with the key that it may want. */
export class Service {
  /** @param {URL} base where it is */
  constructor(base) {
    this.base = base;
    this.key = "";
  }

  /**
   * @param {string} path without a slash in front
   * @param {RequestInit} [request]
   * @returns {Promise<{response: Response, ms: number}>} a good answer, its body unread, and how long it took to come
   * @throws {ServiceError|AwayError}
   */
  async ask(path, request = {}) {
    const headers = { ...request.headers, ...(this.key ? { "X-API-Key": this.key } : {}) };
    const start = performance.now();
    const response = await fetch(new URL(path, this.base), { ...request, headers }).catch(() => null);
    const ms = performance.now() - start;
    if (!response) {
      throw new AwayError("the service does not answer");
    }
    if (!response.ok) {
      throw await readProblem(response);
    }
    return { response, ms };
  }
}

/**
 * @param {Response} response
 * @returns {Promise<ServiceError>}
 */
async function readProblem(response) {
  // A proxy in between answers in its own words.
  const problem = await response.json().catch(() => ({}));
  return new ServiceError(response.status, problem, Number(response.headers.get("Retry-After")) || 0);
}

/**
 * A failure as a sentence.
 * @param {Error} error
 * @returns {string}
 */
export function tellFailure(error) {
  if (error instanceof AwayError) {
    return "The service does not answer. Trying again until it does.";
  }
  if (!(error instanceof ServiceError)) {
    return `The page has failed: ${error.message}.`;
  }
  if (error.isPassing) {
    return `The service says: ${error.message}. Trying again until it answers.`;
  }
  const id = error.requestId ? ` (request ${error.requestId})` : "";
  if (error.status === 401) {
    return `The service wants a key: ${error.message}${id}.`;
  }
  return `The service says: ${error.message}${id}.`;
}
